from lxml import etree as etree
